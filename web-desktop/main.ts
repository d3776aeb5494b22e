// The page's beginning: who is logged in decides what is shown.
import { logOut, readSession, signOnFromNas } from './api/account.ts'
import { startPresence } from './api/presence.ts'
import { session } from './api/session.ts'
import { watchInput } from './base/activity.ts'
import { startTheme } from './base/theme.ts'

const retryMs = 3000

async function showLogin(isOffline: boolean): Promise<void> {
  const { NjLogin } = await import('./shell/nj-login.ts')
  let login = document.querySelector('nj-login')
  if (!(login instanceof NjLogin)) {
    login = new NjLogin()
    login.addEventListener('nj-logged-in', () => void showDesktop())
    document.body.append(login)
  }
  ;(login as InstanceType<typeof NjLogin>).isOffline = isOffline
}

async function showDesktop(): Promise<void> {
  const [{ NjDesktop }, { apps }] = await Promise.all([import('./shell/nj-desktop.ts'), import('./apps/index.ts')])
  if (session.value?.isPasswordExpired) return await askForPassword(() => void showDesktop())
  const desktop = new NjDesktop()
  // The server refuses what is not allowed; here it is not even offered.
  desktop.apps = apps.filter((app) => session.value?.privileges.includes(app.needs))
  document.querySelector('nj-login')?.remove()
  document.body.append(desktop)
  startPresence()
}

/** A password may run out while somebody is at work: what is open waits, unseen, until it was changed. */
function watchPassword(): void {
  session.subscribe(() => {
    const desktop = document.querySelector<HTMLElement>('nj-desktop')
    if (desktop === null || desktop.inert || !session.value?.isPasswordExpired) return
    desktop.inert = true
    // Its windows must keep their size, and some of its parts are visible of their own will.
    desktop.style.opacity = '0'
    void askForPassword(() => {
      desktop.inert = false
      desktop.style.opacity = ''
    })
  })
}

/** Nothing else is allowed before the password was changed. */
async function askForPassword(goOn: () => void): Promise<void> {
  const { NjChangePassword } = await import('./shell/nj-change-password.ts')
  const dialog = new NjChangePassword()
  dialog.isForced = true
  // By its button, its cross or Esc: there is no other way out.
  dialog.addEventListener('nj-cancel', () => void logOut())
  dialog.addEventListener('nj-done', () => {
    dialog.remove()
    goOn()
  })
  document.querySelector('nj-login')?.remove()
  document.body.append(dialog)
}

async function begin(): Promise<void> {
  try {
    const found = (await readSession()) ?? (await signOnFromNas())
    await (found === undefined ? showLogin(false) : showDesktop())
  } catch {
    await showLogin(true)
    setTimeout(() => void begin(), retryMs)
  }
}

startTheme()
watchInput()
watchPassword()
void begin()
