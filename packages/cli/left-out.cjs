// In the bundles this stands for what dockerode asks for when it is loaded and orch does not use: docker-modem,
// an SSH client with native parts (orch sends the calls itself, plugins/docker/src/engine/modem.ts), the
// sessions of BuildKit, and the packing of build contexts.
module.exports = class {
  constructor() {
    throw new Error('this part of dockerode is not in the bundle')
  }
}
