import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml'
import type { Path, Position, Problem } from '../problem.ts'
import { type Environment, interpolate } from './interpolate.ts'

/** How many values the aliases of one file may stand for. */
const aliasBudget = 10_000
const start: Position = { line: 1, column: 1 }

interface Place {
  readonly key?: Position
  readonly value: Position
  readonly text?: string
}

/** Turns nodes into plain values and remembers where each stood. */
export class YamlReader {
  readonly problems: Problem[] = []
  readonly #places = new Map<string, Place>()
  readonly #document: Document.Parsed
  readonly #text: string
  readonly #env: Environment
  readonly #position: (offset: number) => Position
  /** The maps and lists that are being read, the outer ones of the present one. */
  readonly #open = new Set<Node>()
  /** How many aliases are being followed, one inside the other. */
  #aliases = 0
  #fromAliases = 0
  #overBudget = false

  constructor(
    document: Document.Parsed,
    text: string,
    env: Environment,
    position: (offset: number) => Position,
  ) {
    this.#document = document
    this.#text = text
    this.#env = env
    this.#position = position
  }

  /** The value of a node; what is wrong with it goes to `problems`. */
  read(node: unknown, path: Path, key?: Position): unknown {
    if (isAlias(node)) return this.#alias(node, path, key)
    const value = this.#start(node) ?? key ?? start
    const text = isScalar(node) ? (node.source ?? '') : undefined
    this.#places.set(keyOf(path), {
      value,
      ...(key === undefined ? {} : { key }),
      ...(text === undefined ? {} : { text }),
    })
    if (this.#aliases > 0 && !this.#spend(path)) return null
    if (isScalar(node)) return this.#scalar(node, path)
    if (!isMap(node) && !isSeq(node)) return null
    this.#open.add(node)
    const plain = isMap(node)
      ? this.#map(node, path)
      : node.items.map((item, at) => this.read(item, [...path, at]))
    this.#open.delete(node)
    return plain
  }

  /** As `Source.locate`. */
  locate(path: Path, on: 'key' | 'value'): Position {
    const exact = this.#places.get(keyOf(path))
    if (exact !== undefined) return (on === 'key' ? exact.key : undefined) ?? exact.value
    for (let length = path.length - 1; length >= 0; length -= 1) {
      const around = this.#places.get(keyOf(path.slice(0, length)))
      if (around !== undefined) return around.key ?? around.value
    }
    return start
  }

  /** As `Source.textOf`. */
  textOf(path: Path): string | undefined {
    return this.#places.get(keyOf(path))?.text
  }

  /** Where a node begins; undefined for one that is not written, such as the value of `key:`. */
  #start(node: unknown): Position | undefined {
    const range = (node as Node | null | undefined)?.range
    const written = range && (range[1] > range[0] || !isScalar(node))
    return written ? this.#position(range[0]) : undefined
  }

  #alias(node: Alias, path: Path, key: Position | undefined): unknown {
    const at = this.#start(node) ?? start
    const target = node.resolve(this.#document)
    const problem = (message: string): null => {
      this.problems.push({ path, on: 'value', position: at, message })
      return null
    }
    if (target === undefined) return problem(`the alias *${node.source} has no anchor before it`)
    if (this.#open.has(target))
      return problem(`the alias *${node.source} stands inside its own anchor`)
    this.#aliases += 1
    const value = this.read(target, path, key ?? at)
    this.#aliases -= 1
    return value
  }

  #spend(path: Path): boolean {
    this.#fromAliases += 1
    if (this.#fromAliases <= aliasBudget) return true
    if (!this.#overBudget) {
      this.#overBudget = true
      const message = `aliases stand for more than ${aliasBudget} values`
      this.problems.push({ path: path.slice(0, 1), on: 'key', message })
    }
    return false
  }

  #map(node: YAMLMap, path: Path): Record<string, unknown> {
    const entries = new Map<string, unknown>()
    for (const pair of node.items as Pair<unknown, unknown>[]) {
      const key = isAlias(pair.key) ? pair.key.resolve(this.#document) : pair.key
      const at = this.#start(pair.key) ?? start
      const name = isScalar(key) ? (key.source ?? String(key.value)) : undefined
      const problem = (message: string, hint?: string): void => {
        const whole = name === undefined ? path : [...path, name]
        this.problems.push({ path: whole, on: 'key', position: at, message, hint })
      }
      if (name === undefined) problem('expected a plain key, got a list or a map')
      else if (name === '__proto__') problem('this key is not allowed')
      else if (entries.has(name)) problem('this key is here twice')
      else if (name === '<<')
        problem(
          'YAML 1.2 has no merge keys',
          'Use an alias for the whole value, or repeat the keys.',
        )
      else entries.set(name, this.read(pair.value, [...path, name], at))
    }
    return Object.fromEntries(entries)
  }

  #scalar(node: Scalar, path: Path): unknown {
    if (typeof node.value !== 'string') return node.value
    const { text, faults } = interpolate(node.value, this.#env)
    const [from = 0, to = 0] = node.range ?? []
    for (const { found, message, hint } of faults) {
      const inside = this.#text.slice(from, to).indexOf(found)
      const position = this.#position(from + Math.max(0, inside))
      this.problems.push({ path, on: 'value', position, message, hint })
    }
    return text
  }
}

function keyOf(path: Path): string {
  return JSON.stringify(path)
}
