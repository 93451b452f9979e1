import { afterAll, beforeAll, expect, it } from 'vitest'
import { connect } from './connect.ts'
import { endpointOf } from './endpoint.ts'
import { type Answer, json, Scripted } from './scripted.ts'
import type { Engine } from './types.ts'

let scripted: Scripted
const never = new AbortController().signal
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`

beforeAll(async () => {
  scripted = await Scripted.begin()
})
afterAll(() => scripted.end())

async function engineWith(name: string, answers: Record<string, Answer>): Promise<Engine> {
  const endpoint = endpointOf({ host: `unix://${await scripted.engine(name, answers)}` }, {})
  return await connect(endpoint, { signal: never, offline: false })
}

const image = {
  Id: digest('a'),
  RepoTags: ['x:1', '<none>:<none>'],
  Os: 'linux',
  Architecture: 'arm',
  Variant: 'v7',
  RootFS: { Type: 'layers', Layers: [digest('b'), digest('c')] },
}

it('an image, or none', async () => {
  const engine = await engineWith('inspect', { 'GET /images/a/b%3A1/json': json(image) })
  expect(await engine.inspect('a/b:1', never)).toEqual({
    id: digest('a'),
    tags: ['x:1'],
    platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
    diffIds: [digest('b'), digest('c')],
    manifests: [],
  })
  expect(await engine.inspect('nope', never)).toBeUndefined()
})

it('with a graph driver all images are inspected; one that is removed meanwhile is left out', async () => {
  const [first, second] = [digest('a'), digest('d')]
  const engine = await engineWith('list', {
    'GET /images/json': json([{ Id: first, RepoTags: null }, { Id: second }]),
    [`GET /images/${encodeURIComponent(first)}/json`]: json(image),
  })
  expect(await engine.images(never)).toMatchObject([{ id: first, diffIds: image.RootFS.Layers }])
})

it('the name for a tag is split at its last colon, not at that of a port', async () => {
  const asked: (string | undefined)[] = []
  const answer: Answer = (request, response) => {
    asked.push(request.url)
    response.writeHead(201).end()
  }
  const engine = await engineWith('tag', { 'POST /images/x/tag': answer })
  await engine.tag('x', 'localhost:5000/a:1', never)
  await engine.tag('x', 'localhost:5000/a', never)
  expect(asked).toEqual([
    '/v1.41/images/x/tag?repo=localhost%3A5000%2Fa&tag=1',
    '/v1.41/images/x/tag?repo=localhost%3A5000%2Fa&tag=latest',
  ])
})

it('what is not there is not named, and not removed; nor is what is in use', async () => {
  const engine = await engineWith('gone', {
    'POST /images/gone/tag': json({ message: 'No such image' }, 404),
    'DELETE /images/there': json([{ Deleted: digest('a') }]),
    'DELETE /images/gone': json({ message: 'No such image' }, 404),
    'DELETE /images/used': json({ message: 'image is being used' }, 409),
    'DELETE /images/broken': json({ message: 'oh' }, 500),
  })
  expect(await engine.tag('gone', 'x:1', never)).toBe(false)
  expect(await engine.remove('there', never)).toBe(true)
  expect(await engine.remove('gone', never)).toBe(false)
  expect(await engine.remove('used', never)).toBe(false)
  await expect(engine.remove('broken', never)).rejects.toMatchObject({ code: 'DOCKER_FAILED' })
})

it.each([
  ['no JSON', 'GET /images/json', ((_, response) => response.end('<html>')) as Answer],
  ['no list', 'GET /images/json', json({})],
  ['no digest', 'GET /images/json', json([{ Id: '../x' }])],
])('an answer with %s', async (name, call, answer) => {
  const engine = await engineWith(name, { [call]: answer })
  await expect(engine.images(never)).rejects.toThrow(
    expect.objectContaining({
      code: 'DOCKER_FAILED',
      message: expect.stringMatching(/answered GET \/images\/json with/),
    }),
  )
})

it('an archive that breaks off', async () => {
  const engine = await engineWith('save', {
    'GET /images/get': (_, response) => {
      response.write('first')
      setTimeout(() => response.destroy(), 50)
    },
  })
  const archive = await engine.save(['x:1'], never)
  const read = async (): Promise<void> => {
    for await (const chunk of archive) expect(Buffer.from(chunk).toString()).toBe('first')
  }
  await expect(read()).rejects.toThrow(
    expect.objectContaining({
      code: 'DOCKER_LOST',
      message: expect.stringMatching(/GET \/images\/get/),
    }),
  )
})
