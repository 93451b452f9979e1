import { OrchError } from '@orch/oci'
import { describe, expect, it } from 'vitest'
import { createSecrets, withoutSecrets } from './secrets.ts'

describe('what a server said is shown', () => {
  it('without passwords, short ones too, however they are written', () => {
    const secrets = createSecrets()
    secrets.add('p"w', 'a long secret', 'al:p"w', 'ab')
    const coded = [Buffer.from('p"w').toString('base64'), 'p%22w', 'p\\"w'].join(' ')
    expect(secrets.hide(`cab p"w a long secret al:p"w ${coded}`)).toBe(
      'cab *** *** *** *** *** ***',
    )
  })

  it('as far as a person reads, no half of a secret at its end, and soon', () => {
    const secrets = createSecrets()
    secrets.add('canary-pass-1')
    const began = performance.now()
    for (const part of ['a.', 'a://b', 'https://u:p@h/?q ', 'canary-pass-1 ']) {
      const shown = secrets.hide(part.repeat(1_000_000 / part.length))
      expect(shown.length).toBeLessThanOrEqual(2000)
      expect(shown).not.toMatch(/canary|u:p/)
    }
    expect(performance.now() - began).toBeLessThan(2000)
  })
})

it('an error of ours is without long secrets, and keeps words that are short ones', () => {
  const secrets = createSecrets()
  secrets.add('tag', 'a long secret')
  const error = withoutSecrets(
    new OrchError('X', 'no tag a long secret', { hint: 'a long secret' }),
    secrets,
  )
  expect(error).toMatchObject({ code: 'X', message: 'no tag ***', hint: '***' })
})
