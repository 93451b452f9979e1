import { describe, expect, it } from 'vitest'
import { containerdOptions } from './options.ts'

async function check(value: unknown): Promise<unknown> {
  const result = await containerdOptions['~standard'].validate(value)
  return result.issues === undefined ? result.value : result.issues.map(issue => issue.message)
}

describe('options of the exporter', () => {
  it('have defaults', async () => {
    expect(await check({})).toEqual({ unpack: 'host', labels: {}, pin: false })
  })

  it('mean the same as text on the command line and as values in a project file', async () => {
    const [amd64, arm] = [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ]
    const meant = {
      platforms: [amd64, arm],
      unpack: [arm],
      names: ['a:1', 'b:2'],
      labels: { team: 'core', rule: 'a=b' },
      pin: true,
    }
    expect(
      await check({
        platforms: 'linux/amd64, linux/arm',
        unpack: 'linux/arm/v7',
        names: 'a:1 b:2',
        labels: 'team=core,rule=a=b',
        pin: 'true',
      }),
    ).toEqual(meant)
    expect(
      await check({
        platforms: ['linux/amd64', 'linux/arm'],
        unpack: ['linux/arm/v7'],
        names: ['a:1', 'b:2'],
        labels: { team: 'core', rule: 'a=b' },
        pin: true,
      }),
    ).toEqual(meant)
  })

  it.each([
    [{ namespace: '../x' }, 'expected letters and digits'],
    [{ snapshotter: 'a//b' }, 'expected letters and digits'],
    [{ platforms: 'linux' }, 'is not a platform'],
    [{ unpack: 'hots' }, 'expected host, all, none, or platforms'],
    [{ unpack: 'host,none' }, 'expected host, all, none, or platforms'],
    [{ labels: { long: 'x'.repeat(5000) } }, 'has more than 4096 bytes'],
    [{ pin: 'yes' }, 'Invalid'],
    [{ platforms: '' }, 'expected at least one platform'],
    [{ labels: 'team' }, 'expected key=value'],
    [{ cert: 'a.pem' }, 'cert and key belong together'],
    [{ adress: '/x' }, 'adress'],
  ])('are refused when they are wrong: %j', async (value, why) => {
    expect(JSON.stringify(await check(value))).toContain(why)
  })
})
