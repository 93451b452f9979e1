// In the bundle this stands for docker-modem, which dockerode asks for when it is loaded. orch sends its calls
// itself (plugins/docker/src/engine/modem.ts), and docker-modem would bring an SSH client with native parts.
module.exports = class {
  constructor() {
    throw new Error('orch brings a modem of its own')
  }
}
