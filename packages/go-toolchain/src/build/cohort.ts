import type { Place } from '@orch/core'
import { type Blob, canonicalJson, digestOf, type Json } from '@orch/oci'
import { GoFailure } from '../errors.ts'
import type { Settings } from '../settings/settings.ts'
import { type GitAnswer, readGit } from '../tool/git.ts'
import { foldersChanged } from './changes.ts'
import type { FileDigests } from './file-digests.ts'
import { compileInputs, type Program, sourceFolders, stampsVersion } from './inputs.ts'
import { type Listing, listPackages } from './list.ts'
import { Muster } from './muster.ts'
import { isBroken, namedCommand } from './named.ts'
import { type Built, buildPrograms } from './programs.ts'
import { type GoContext, placeOf, type Request, reject, settleAll } from './request.ts'

/** What outlives a cohort. */
export interface CohortState {
  readonly files: FileDigests
  /** Programs that are being made now, by the digest of their inputs. */
  readonly making: Map<string, Promise<Blob>>
}

const binaryMediaType = 'application/octet-stream'

/**
 * Answers requests that have the same settings: one `go list` for all, one look into the action cache
 * for each, and one `go build` for those that are not there.
 */
export async function answerTogether(
  requests: readonly Request[],
  state: CohortState,
): Promise<void> {
  const [first] = requests
  if (first === undefined) return
  const cohort = new Cohort(first, placeOf(requests), state)
  try {
    await cohort.answer(requests)
  } catch (error) {
    for (const request of requests) reject(request, error)
  }
}

class Cohort {
  readonly #first: Request
  readonly #settings: Settings
  readonly #context: GoContext
  readonly #place: Place
  readonly #state: CohortState
  #listed = 0
  #gitAfter: Promise<GitAnswer> | undefined

  constructor(first: Request, place: Place, state: CohortState) {
    this.#first = first
    this.#settings = first.settings
    this.#context = first.context
    this.#place = place
    this.#state = state
  }

  async answer(requests: readonly Request[]): Promise<void> {
    this.#listed = Date.now()
    const { git, goEnv } = this.#first
    // Read while packages are listed. What goes wrong with it is told where it is needed.
    if (stampsVersion(this.#settings, goEnv)) git().catch(() => {})
    const listing = await this.#list([...new Set(requests.map(({ name }) => name))])
    const wanted = new Map<string, { program: Program; requests: Request[] }>()
    for (const request of requests) {
      try {
        const root = namedCommand(
          listing,
          request.name,
          this.#settings.dir,
          `image ${request.place.image}`,
        )
        const known = wanted.get(root.ImportPath)
        if (known !== undefined) known.requests.push(request)
        else {
          const program = programOf(listing, request.name, root.ImportPath)
          wanted.set(root.ImportPath, { program, requests: [request] })
        }
      } catch (error) {
        reject(request, error)
      }
    }
    const all = [...wanted.values()]
    const sound = all.filter(({ program }) => !isBroken(program.root))
    const together = this.#muster(sound.length)
    await Promise.all(
      all.map(async ({ program, requests }) => {
        // One that is broken before it is compiled would stop the whole `go build`.
        const broken = isBroken(program.root)
        const binary = broken
          ? this.#build(program, this.#muster(1))
          : this.#remembered(program, requests[0]?.context ?? this.#context, together)
        await settleAll(requests, binary, program)
      }),
    )
  }

  #list(names: readonly string[]): Promise<Listing> {
    const { limits } = this.#context
    return limits.cpu(() => listPackages(names, this.#settings, this.#context, this.#place))
  }

  #muster(size: number): Muster<Program, Built> {
    return new Muster(size, programs =>
      buildPrograms(programs, this.#settings, this.#context, this.#place),
    )
  }

  /** The program from the action cache, else by joining the build. */
  async #remembered(
    program: Program,
    context: GoContext,
    together: Muster<Program, Built>,
  ): Promise<Blob> {
    let joined = false
    const build = () => {
      joined = true
      return this.#build(program, together)
    }
    try {
      const inputs = await this.#inputs(program, this.#first.git)
      if (inputs === undefined) return await build()
      const key = digestOf(canonicalJson(inputs))
      // Not left to the action's own single flight: two batches could then wait for each other's members.
      const made = this.#state.making.get(key)
      if (made !== undefined) {
        joined = true
        together.leave()
        return await made
      }
      const making = this.#act(program, inputs, context, build)
      this.#state.making.set(key, making)
      return await making.finally(() => this.#state.making.delete(key))
    } finally {
      if (!joined) together.leave()
    }
  }

  async #act(
    program: Program,
    inputs: Json,
    context: GoContext,
    build: () => Promise<Blob>,
  ): Promise<Blob> {
    let passing: Blob | undefined
    const outcome = await context
      .action({ kind: 'compile', inputs }, async () => {
        const binary = await build()
        if (await this.#isStale(program, inputs)) {
          passing = binary
          throw new Error('the sources changed while they were compiled')
        }
        return { blobs: [binary.descriptor], data: { package: program.root.ImportPath } }
      })
      .catch((error: unknown) => {
        if (passing === undefined) throw error
        return { held: [passing] }
      })
    if (passing !== undefined) {
      const message = `${program.root.ImportPath}: files changed while they were compiled; the result is not remembered`
      context.events.emit({ type: 'log', level: 'warning', message, ...this.#place })
    }
    const [binary] = outcome.held
    if (binary === undefined) throw new Error('a remembered program has no bytes')
    return binary
  }

  /** Whether what a program depends on has changed since it was listed. */
  async #isStale(program: Program, inputs: Json): Promise<boolean> {
    let now: Program = program
    if (await foldersChanged(sourceFolders(program, this.#first.goEnv), this.#listed)) {
      const listing = await this.#list([program.name])
      if (!listing.named.has(program.name)) return true
      now = programOf(listing, program.name, program.root.ImportPath)
    }
    const gitAfter = () => {
      this.#gitAfter ??= readGit(this.#settings.dir, this.#context)
      return this.#gitAfter
    }
    return canonicalJson((await this.#inputs(now, gitAfter)) ?? null) !== canonicalJson(inputs)
  }

  #inputs(program: Program, git: () => Promise<GitAnswer>): Promise<Json | undefined> {
    const { goEnv } = this.#first
    const { env, signal } = this.#context
    const { files } = this.#state
    return compileInputs(program, this.#settings, { goEnv, git, env, files, signal })
  }

  async #build(program: Program, muster: Muster<Program, Built>): Promise<Blob> {
    const built = await muster.join(program)
    if (built instanceof GoFailure) throw built
    const { store, signal } = this.#context
    return store.addFile(built.path, binaryMediaType, { signal })
  }
}

function programOf({ packages }: Listing, name: string, importPath: string): Program {
  const root = packages.get(importPath)
  if (root === undefined) throw new Error(`go list does not show ${importPath}`)
  const found = [importPath, ...(root.Deps ?? [])].flatMap(path => packages.get(path) ?? [])
  return { root, name, packages: found.filter(({ Standard }) => Standard !== true) }
}
