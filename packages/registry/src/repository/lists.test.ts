import { describe, expect, it } from 'vitest'
import { errorBody, type Quirk, testRegistry } from './test-registry.ts'

async function tags(quirk: Quirk) {
  await using registry = await testRegistry(quirk)
  const list = registry.client.repository(registry.host, 'team/api').tags()
  const names: string[] = []
  for await (const name of list) names.push(name)
  return { names, log: registry.log }
}

const page = (names: readonly string[] | null) => JSON.stringify({ name: 'team/api', tags: names })

describe('tags', () => {
  it('come from all pages', async () => {
    const { names } = await tags(({ url, answer, registry }) => {
      const last = new URL(url, 'http://x').searchParams.get('last')
      if (last === null)
        answer(200, { link: '</v2/team/api/tags/list?n=2&last=b>; rel="next"' }, page(['a', 'b']))
      else if (last === 'b') {
        const next = `http://${registry.host}/v2/team/api/tags/list?last=c`
        answer(200, { link: `<${next}>; title="x, y"; rel=next` }, page(['c']))
      } else answer(200, {}, page(null))
      return true
    })
    expect(names).toEqual(['a', 'b', 'c'])
  })

  it('are asked for without a number where the registry takes none so large', async () => {
    const { names } = await tags(({ url, answer }) => {
      if (url.includes('n=')) answer(400, {}, errorBody('PAGINATION_NUMBER_INVALID'))
      else answer(200, {}, page(['a']))
      return true
    })
    expect(names).toEqual(['a'])
  })

  it.each([
    ['the same page', '</v2/team/api/tags/list?n=1000>; rel="next"', 'again and again'],
    ['another host', '<http://169.254.169.254/latest>; rel="next"', 'on another host'],
    ['another port', '<http://127.0.0.1:1/v2/>; rel="next"', 'on another host'],
    ['no address', '<ftp://x/>; rel="next"', 'no HTTP address'],
  ])('whose next page is %s are an error', async (_, link, message) => {
    const list = tags(({ answer }) => {
      answer(200, { link }, page(['a']))
      return true
    })
    await expect(list).rejects.toMatchObject({
      code: 'REGISTRY_ANSWER_INVALID',
      message: expect.stringContaining(message),
    })
  })

  it('that never end are an error', async () => {
    const list = tags(({ before, answer }) => {
      answer(200, { link: `<?page=${before}>; rel="next"` }, page([]))
      return true
    })
    await expect(list).rejects.toMatchObject({
      message: expect.stringContaining('more than 2000 pages'),
    })
  })

  it.each([
    ['{"tags":"x"}', 'no list of tags'],
    ['{"tags":["a\\u001b[2J"]}', 'is no name'],
    ['[]', 'no list of tags'],
  ])('that are nonsense (%s) are an error', async (body, message) => {
    const list = tags(({ answer }) => {
      answer(200, {}, body)
      return true
    })
    await expect(list).rejects.toMatchObject({ message: expect.stringContaining(message) })
  })

  it('of a repository that is not there are an error', async () => {
    await expect(tags(() => false)).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' })
  })
})

describe('the catalog', () => {
  it('lists the repositories', async () => {
    await using registry = await testRegistry(({ answer }) => {
      answer(200, {}, '{"repositories":["a","team/b.c"]}')
      return true
    })
    const names: string[] = []
    for await (const name of registry.client.catalog(registry.host)) names.push(name)
    expect(names).toEqual(['a', 'team/b.c'])
  })

  it('of a registry without one is an error', async () => {
    await using registry = await testRegistry()
    const list = registry.client.catalog(registry.host)
    await expect(list[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'REGISTRY_UNSUPPORTED',
    })
  })
})

describe('removing', () => {
  it.each([
    [202, '', undefined],
    [404, errorBody('MANIFEST_UNKNOWN'), 'REGISTRY_NOT_FOUND'],
    [405, errorBody('UNSUPPORTED'), 'REGISTRY_UNSUPPORTED'],
    [400, errorBody('UNSUPPORTED'), 'REGISTRY_UNSUPPORTED'],
    [409, errorBody('DENIED'), 'REGISTRY_REFUSED'],
  ])('a tag, when the registry answers %i', async (status, body, code) => {
    await using registry = await testRegistry(({ answer }) => {
      answer(status, {}, body)
      return true
    })
    const repository = registry.client.repository(registry.host, 'team/api')
    const outcome = await repository.remove('dev').catch((error: unknown) => error)
    expect((outcome as { code?: string } | undefined)?.code).toBe(code)
    expect(registry.log).toEqual(['DELETE manifest'])
  })
})

it.each([
  ['docker.io', 'x', 'docker.io/library/x'],
  ['example.com:5000', 'team/x', 'example.com:5000/team/x'],
])('the repository %s %s is %s', async (domain, path, name) => {
  await using registry = await testRegistry()
  expect(registry.client.repository(domain, path).name).toBe(name)
})

it.each([
  ['example', 'x'],
  ['example.com', '../x'],
  ['example.com', 'x:tag'],
  ['example.com/y', 'x'],
])('there is no repository %s %s', async (domain, path) => {
  await using registry = await testRegistry()
  expect(() => registry.client.repository(domain, path)).toThrow(
    expect.objectContaining({ code: 'REFERENCE_INVALID' }),
  )
})
