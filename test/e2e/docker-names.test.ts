import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { type Dockerd, startDockerd } from '../kit/dockerd.ts'
import { type Outcome, orch } from '../kit/exec.ts'
import { helloArchive } from '../kit/hello-archive.ts'
import { eachDockerd } from '../kit/services.ts'
import { tempFolder } from '../kit/temp.ts'
import { filesProject } from './projects.ts'

const kept = 'example.com/kept:1'
const fresh = 'example.com/fresh:1'

/** A way to an engine on which it cannot name an image `bad`: a real one cannot be made to fail just there. */
async function withoutBad(dockerd: Dockerd): Promise<string> {
  const path = join(await tempFolder('bad'), 'docker.sock')
  const words = '{"message":"the disk of names is broken"}'
  const server = createServer(socket => {
    const engine = connect(dockerd.socket)
    for (const one of [socket, engine]) one.on('error', () => {})
    socket.once('data', (data: Buffer) => {
      if (/^POST \S+\/tag\?repo=\S*bad/.test(data.toString('latin1')))
        socket.end(
          `HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: ${words.length}\r\n\r\n${words}`,
        )
      else {
        engine.write(data)
        socket.pipe(engine).pipe(socket)
      }
    })
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
  server.unref()
  return `unix://${path}`
}

eachDockerd('amd64')('names of an image for docker', version => {
  let dockerd: Dockerd
  let other = ''
  beforeAll(async () => {
    dockerd = await startDockerd({ version })
    const archive = await helloArchive('example.com/hello:1')
    const first = await orch(['copy', `oci-archive:${archive}`, `docker:${kept}`], {
      env: { DOCKER_HOST: dockerd.host },
    })
    expect(first.exitCode, first.stderr).toBe(0)
    const folder = await filesProject([])
    const made = await orch(['-C', folder, 'build', '--platform', 'linux/amd64', '-e', 'layout'])
    expect(made.exitCode, made.stderr).toBe(0)
    other = `oci:${folder}/dist/oci`
  })

  const idOf = async (name: string): Promise<string> =>
    (await dockerd.docker(['images', '--all', '--quiet', '--no-trunc', name])).stdout.trim()
  const copy = (host: string, ...names: readonly string[]): Promise<Outcome> =>
    orch(['copy', ...names.flatMap(name => ['--name', name]), other, 'docker:'], {
      env: { DOCKER_HOST: host },
    })

  it('are given all or none: when one fails, those before it go back, and the image goes', async () => {
    const before = await dockerd.docker(['images', '--all', '--no-trunc'])
    const failed = await copy(await withoutBad(dockerd), kept, fresh, 'example.com/bad:1')
    expect(failed.exitCode, failed.stderr).toBe(1)
    expect(failed.stderr).toContain('the disk of names is broken')
    expect((await dockerd.docker(['images', '--all', '--no-trunc'])).stdout).toBe(before.stdout)
    const given = await copy(dockerd.host, kept, fresh)
    expect(given.exitCode, given.stderr).toBe(0)
    expect(await idOf(kept)).toBe(await idOf(fresh))
    expect(before.stdout).not.toContain(await idOf(kept))
  })

  it('that look like an ID are refused before anything is sent', async () => {
    for (const name of ['sha256:x', `${'a'.repeat(64)}:x`]) {
      const refused = await copy(dockerd.host, name)
      expect(refused.stderr).toContain('error[DOCKER_NAME]')
      expect(refused.exitCode).toBe(2)
    }
  })
})
