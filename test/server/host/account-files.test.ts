import assert from 'node:assert/strict'
import { membersOf, parseGroup, parsePasswd } from '../../../server/host/account-files.ts'

describe('account files', () => {
  it('give accounts, and leave out lines that are none', () => {
    const text =
      'alice:x:1000:100:Alice A.,Room 7,,:/home/alice:/bin/sh\nbroken:x:many:1::/:/bin/sh\n+::::::\nshort:x:1\n'

    assert.deepEqual(parsePasswd(text), [
      { name: 'alice', id: 1000, groupId: 100, comment: 'Alice A.', shell: '/bin/sh' },
    ])
  })

  it('give groups with their members', () => {
    assert.deepEqual(parseGroup('staff:x:50:alice, bob\nempty:x:51:\nnone\n'), [
      { name: 'staff', id: 50, members: ['alice', 'bob'] },
      { name: 'empty', id: 51, members: [] },
    ])
  })

  it('count those whose first group it is among the members, once', () => {
    const accounts = parsePasswd('carol:x:1:50::/:/bin/sh\nbob:x:2:50::/:/bin/sh\ndan:x:3:9::/:/bin/sh')

    assert.deepEqual(membersOf({ name: 'staff', id: 50, members: ['bob', 'alice'] }, accounts), [
      'alice',
      'bob',
      'carol',
    ])
  })
})
