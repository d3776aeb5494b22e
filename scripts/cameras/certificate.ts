// A self-signed certificate for RTSP over TLS, made by openssl at first use and kept beside the clips.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'

/** PEM texts of the folder's key and certificate for `localhost` and 127.0.0.1. Fails where openssl does. */
export async function loadCertificate(folder: string): Promise<{ key: string; cert: string }> {
  const file = path.join(folder, 'certificate.pem')
  if (!existsSync(file)) {
    await mkdir(folder, { recursive: true })
    const temporary = `${file}.${process.pid}.part`
    try {
      // Key and certificate go to one file, so that two processes at once never mix theirs.
      await runOpenssl([
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'],
        ...['-subj', '/CN=nightjar-camera', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
        ...['-keyout', temporary, '-out', `${temporary}.crt`],
      ])
      await appendFile(temporary, await readFile(`${temporary}.crt`))
      await rename(temporary, file)
    } finally {
      await rm(temporary, { force: true })
      await rm(`${temporary}.crt`, { force: true })
    }
  }
  const pem = await readFile(file, 'utf8')
  return { key: pem, cert: pem.slice(pem.indexOf('-----BEGIN CERTIFICATE')) }
}

function runOpenssl(parameters: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('openssl', parameters, { stdio: ['ignore', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (text) => {
      complaint += text
    })
    child.on('error', (cause) => reject(new Error(`make a certificate: ${cause.message}`, { cause })))
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`make a certificate: openssl ended with ${code}: ${complaint.trim()}`))
    })
  })
}
