/**
 * The parts of undici that registries are spoken to with. Loaded whole it takes several times as long,
 * for its fetch and WebSocket, with every command of orch; and they load Node's own undici besides.
 */

export { default as connectThrough } from 'undici/lib/api/api-connect.js'
export { default as request } from 'undici/lib/api/api-request.js'
export { default as buildConnector } from 'undici/lib/core/connect.js'
export { default as errors } from 'undici/lib/core/errors.js'
export { default as Agent } from 'undici/lib/dispatcher/agent.js'
export { default as Client } from 'undici/lib/dispatcher/client.js'
