// /etc/passwd and /etc/group (passwd(5), group(5)).

export interface PasswdEntry {
  name: string
  id: number
  groupId: number
  /** The first field of the comment: a name or a description. */
  comment: string
  shell: string
}

export interface GroupEntry {
  name: string
  id: number
  members: string[]
}

/** Lines that are no account are left out. */
export function parsePasswd(text: string): PasswdEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name, , id, groupId, comment, , shell] = line.split(':')
    if (!name || !isNumber(id) || !isNumber(groupId) || shell === undefined) return []
    return [{ name, id: Number(id), groupId: Number(groupId), comment: comment!.split(',')[0]!, shell: shell.trim() }]
  })
}

/** Lines that are no group are left out. */
export function parseGroup(text: string): GroupEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name, , id, members] = line.split(':')
    if (!name || !isNumber(id) || members === undefined) return []
    const names = members.split(',').map((member) => member.trim())
    return [{ name, id: Number(id), members: names.filter((member) => member !== '') }]
  })
}

/** Everybody in the group: who is listed in it, and whose first group it is. */
export function membersOf(group: GroupEntry, accounts: PasswdEntry[]): string[] {
  const byFirstGroup = accounts.filter(({ groupId }) => groupId === group.id).map(({ name }) => name)
  return [...new Set([...group.members, ...byFirstGroup])].sort()
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,10}$/.test(text)
}
