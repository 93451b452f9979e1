import { expect, it } from 'vitest'
import { redact } from './redact.ts'

it.each([
  ['docker://user:s3cret@reg.example/x:1', 'docker://***@reg.example/x:1'],
  ['get "https://h/b?X-Sig=abc&y=1": EOF', 'get "https://h/b?***": EOF'],
  ['https://h/a https://u@h/b', 'https://h/a https://***@h/b'],
  ['example.com/a@sha256:00, a:b@c', 'example.com/a@sha256:00, a:b@c'],
])('%s becomes %s', (text, shown) => {
  expect(redact(text)).toBe(shown)
})

it.each(['a.', 'a://', 'a://b', '://', 'a:/', '?', 'a://b?', '@', 'a', 'a://b@'])(
  'a long text of %s is not looked at again and again',
  part => {
    const began = performance.now()
    redact(part.repeat(1_000_000 / part.length))
    expect(performance.now() - began).toBeLessThan(10_000) // quadratic time would be an hour
  },
)
