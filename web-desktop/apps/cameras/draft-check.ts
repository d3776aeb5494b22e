// Checks a camera's form by the schema the server parses with. A chunk of its own, for the schemas' library is large.
import { cameraDraft } from '../../../shared/camera.ts'

/** What is wrong, by dotted path; empty where the server would take it. */
export function draftErrors(draft: unknown): Record<string, string> {
  const result = cameraDraft.safeParse(draft)
  if (result.success) return {}
  const errors: Record<string, string> = {}
  for (const issue of result.error.issues) errors[issue.path.join('.')] ??= issue.message
  return errors
}
