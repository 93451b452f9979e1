import { OrchError, UsageError } from '@orch/oci'
import { expect, it } from 'vitest'
import { withEngineHint } from './engine-hint.ts'

const denied = new OrchError('REGISTRY_DENIED', 'no', { hint: 'Log in.' })

function told(error: unknown, ...references: string[]): unknown {
  return withEngineHint(error, { exporter: 'registry', options: {}, references })
}

it('a push to Docker Hub that named no host says how Docker Engine is written', () => {
  expect(told(denied, 'hello:1')).toMatchObject({
    code: 'REGISTRY_DENIED',
    message: 'no',
    hint: 'Log in.\ndocker://hello:1 is at Docker Hub; docker:hello:1 is Docker Engine.',
  })
  expect(told(new UsageError('REGISTRY_X', 'no'), 'team/hello:1')).toBeInstanceOf(UsageError)
})

it('an error of another registry, or of no registry, stays as it is', () => {
  for (const name of [
    'docker.io/team/x:1',
    'index.docker.io/x:1',
    'ghcr.io/x:1',
    'localhost:5000/x:1',
  ])
    expect(told(denied, name)).toBe(denied)
  expect(told(denied)).toBe(denied)
  const other = new OrchError('IMAGE_INCOMPLETE', 'no')
  expect(told(other, 'hello:1')).toBe(other)
})
