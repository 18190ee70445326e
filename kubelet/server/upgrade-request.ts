/** Opens an upgraded connection to the runtime's streaming server, which listens on the loopback of this node only. */
import net from 'node:net'

export interface Upgraded {
  socket: net.Socket
  /** Bytes that came after the answer's head. */
  head: Buffer
}

/** Sends the request and answers once the server has switched protocols; rejects with its answer when it did not. */
export function requestUpgrade(url: URL, headers: Record<string, string>): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: url.hostname, port: Number(url.port) })
    let received: Buffer = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', onData)
      socket.off('error', reject)
      socket.pause()
      const answer = received.subarray(0, end).toString()
      if (answer.startsWith('HTTP/1.1 101 ')) {
        resolve({ socket, head: received.subarray(end + 4) })
        return
      }
      socket.destroy()
      reject(new Error(`Cannot open a stream: the runtime answered ${answer.split('\r\n')[0]}`))
    }
    socket.on('data', onData)
    socket.once('error', reject)
    socket.once('connect', () => socket.write(requestHead('POST', url, headers)))
  })
}

export const requestHead = (method: string, url: URL, headers: Record<string, string | string[] | undefined>): string =>
  [
    `${method} ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    ...Object.entries(headers).flatMap(([name, value]) => [value ?? []].flat().map((each) => `${name}: ${each}`)),
    '',
    '',
  ].join('\r\n')
