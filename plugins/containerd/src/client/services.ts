import { fromJSON, type PackageDefinition } from '@grpc/proto-loader'
import descriptor from '@orch/proto/containerd.json' with { type: 'json' }
import type { Methods } from './wire.ts'

/** How to make a request out of a message, and a message out of an answer. */
export interface Method<Request extends object, Response extends object> {
  readonly path: string
  readonly serialize: (request: Request) => Buffer
  readonly deserialize: (bytes: Buffer) => Response
}

export type MethodName = keyof Methods
export type RequestOf<Name extends MethodName> = Methods[Name]['request']
export type ResponseOf<Name extends MethodName> = Methods[Name]['response']

let definitions: PackageDefinition | undefined

/** The method, as proto/containerd has it: int64 as numbers, every field of an answer there. */
export function method<Name extends MethodName>(
  name: Name,
): Method<RequestOf<Name>, ResponseOf<Name>> {
  definitions ??= fromJSON(descriptor as Parameters<typeof fromJSON>[0], {
    longs: Number,
    enums: String,
    defaults: true,
    arrays: true,
    objects: true,
  })
  const [, service = '', type = '', call = ''] = /^(\w+)\.(\w+)\/(\w+)$/.exec(name) ?? []
  const found = definitions[`containerd.services.${service}.v1.${type}`]
  const definition = found !== undefined && !('format' in found) ? found[call] : undefined
  if (definition === undefined || typeof definition === 'string')
    throw new TypeError(`proto/containerd has no ${name}`)
  return {
    path: definition.path,
    serialize: definition.requestSerialize,
    // wire.ts says by hand what proto/containerd says; the tests go through every method.
    deserialize: definition.responseDeserialize as (bytes: Buffer) => ResponseOf<Name>,
  }
}

/** How messages name a method: `Content.Write`. */
export function shortName(name: MethodName): string {
  return name.replace(/^\w+\.(\w+)\//, '$1.')
}
