import assert from 'node:assert/strict'
import { challengeMs, PasskeyChallenges } from '../../../server/account/passkey-challenge.ts'
import { FakeClock } from '../../support/fake-clock.ts'

describe('a challenge for a passkey', () => {
  it('counts once, for whom it was made, within five minutes', () => {
    const clock = new FakeClock()
    const challenges = new PasskeyChallenges(clock)
    const [first, second, third] = ['a', 'a', 'a'].map((binding) => challenges.issue(binding))

    assert.equal(challenges.take(first!, 'b'), false)
    assert.equal(challenges.take(first!, 'a'), true)
    assert.equal(challenges.take(first!, 'a'), false)
    clock.advance(challengeMs * 1000 - 1000)
    assert.equal(challenges.take(second!, 'a'), true)
    clock.advance(1000)
    assert.equal(challenges.take(third!, 'a'), false)
    assert.equal(challenges.take(first!, 'a'), false)
  })

  it('is not moved by a wall clock that is set back, and cannot be made up', () => {
    const clock = new FakeClock()
    const challenges = new PasskeyChallenges(clock)
    const challenge = challenges.issue('a')
    const bytes = Buffer.from(challenge, 'base64url')
    // Its end, put off.
    bytes[17]! ^= 1

    assert.equal(challenges.take(bytes.toString('base64url'), 'a'), false)
    assert.equal(challenges.take('', 'a'), false)
    assert.equal(new PasskeyChallenges(clock).take(challenge, 'a'), false)
    clock.advance(challengeMs * 1000)
    clock.step(-3_600_000_000)
    assert.equal(challenges.take(challenge, 'a'), false)
  })
})
