import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { atEnd } from './cleanup.ts'
import { run } from './exec.ts'
import { tempFolder } from './temp.ts'

/** An entry as Go's archive/tar reads it. */
export interface GoTarEntry {
  readonly name: string
  /** The type flag. */
  readonly type: string
  readonly link: string
  readonly size: number
  /** Where in the file its content begins. */
  readonly offset: number
}

const source = `package main

import (
	"archive/tar"
	"bufio"
	"encoding/json"
	"io"
	"os"
)

type entry struct {
	Name, Link   []byte
	Type         string
	Size, Offset int64
}

func list(path string) ([]entry, error) {
	entries := []entry{}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := tar.NewReader(file)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		offset, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{
			Name: []byte(header.Name), Link: []byte(header.Linkname),
			Type: string(rune(header.Typeflag)), Size: header.Size, Offset: offset,
		})
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		entries, err := list(lines.Text())
		answer := map[string]any{"entries": entries}
		if err != nil {
			answer = map[string]any{"error": err.Error()}
		}
		if json.NewEncoder(os.Stdout).Encode(answer) != nil {
			os.Exit(1)
		}
	}
}
`

interface Answer {
  readonly error?: string
  readonly entries?: readonly {
    readonly Name: string
    readonly Link: string
    readonly Type: string
    readonly Size: number
    readonly Offset: number
  }[]
}

/**
 * Builds and starts a program that reads tars with Go's archive/tar, as container engines do. It is
 * ended at the end of the test file.
 * @returns lists the entries of the tar at a path, or says why Go refuses it
 */
export async function startGoTar(): Promise<
  (path: string) => Promise<readonly GoTarEntry[] | string>
> {
  const folder = await tempFolder('go-tar')
  await writeFile(join(folder, 'main.go'), source)
  await writeFile(join(folder, 'go.mod'), 'module list\n\ngo 1.21\n')
  await run('go', ['build', '-o', 'list', '.'], { cwd: folder })
  const child = spawn(join(folder, 'list'), { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  atEnd(async () => {
    child.stdin.end()
    await ended
  })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async path => {
    child.stdin.write(`${path}\n`)
    const { value, done } = await answers.next()
    if (done === true) throw new Error('the Go program has ended')
    const { entries, error = '' }: Answer = JSON.parse(value)
    return entries === undefined
      ? error
      : entries.map(entry => ({
          name: Buffer.from(entry.Name, 'base64').toString('utf8'),
          link: Buffer.from(entry.Link, 'base64').toString('utf8'),
          type: entry.Type,
          size: entry.Size,
          offset: entry.Offset,
        }))
  }
}
