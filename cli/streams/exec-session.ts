/** Carries one exec or attach: our standard streams on one side, the channels of the WebSocket on the other. */
import type { Readable, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import { CLOSE, CommandFailed, ERROR, frame, outcomeOf, PROTOCOLS, RESIZE, STDERR, STDIN, STDOUT } from './exec-channels.ts'

export interface Streams {
  /** Undefined when nothing is to be sent. */
  stdin: Readable | undefined
  stdout: Writable
  stderr: Writable
  /** The terminal that the command runs on. */
  terminal?: Terminal | undefined
}

export interface Terminal {
  size(): { width: number; height: number }
  /** Answers the way to stop hearing of it. */
  onResize(listener: () => void): () => void
  setRaw(raw: boolean): void
}

/** Takes a paused socket. Until the server says how it ended; rejects with `CommandFailed` or the server's error. The terminal is given back as it was. */
export async function runExecSession(socket: WebSocket, { stdin, stdout, stderr, terminal }: Streams): Promise<void> {
  const sendSize = () => {
    const { width, height } = terminal!.size()
    // Terminals that are none, as under `script`, do not know how large they are.
    if (!width || !height) return
    socket.send(frame(RESIZE, JSON.stringify({ Width: width, Height: height })))
  }
  const onInput = (data: Buffer) => {
    // A fast writer waits for the network: what is not sent yet would pile up in memory.
    stdin!.pause()
    socket.send(frame(STDIN, data), () => stdin!.resume())
  }
  const onEnd = () => {
    if (socket.protocol === PROTOCOLS[0]) socket.send(Buffer.from([CLOSE, STDIN]))
  }
  const ended = outcomeOfSocket(socket, stdout, stderr)
  socket.resume()
  terminal?.setRaw(true)
  if (terminal) sendSize()
  const stopResizes = terminal?.onResize(sendSize)
  stdin?.on('data', onInput).on('end', onEnd)
  try {
    await ended
  } finally {
    stopResizes?.()
    stdin?.off('data', onInput).off('end', onEnd)
    terminal?.setRaw(false)
    // Otherwise the terminal keeps the process alive.
    stdin?.pause()
    socket.close()
  }
}

function outcomeOfSocket(socket: WebSocket, stdout: Writable, stderr: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    let outcome: Error | undefined
    let told = false
    socket.on('message', (message: Buffer) => {
      const data = message.subarray(1)
      if (message[0] === STDOUT) write(socket, stdout, data)
      else if (message[0] === STDERR) write(socket, stderr, data)
      else if (message[0] === ERROR) {
        outcome = outcomeOf(data.toString('utf8'))
        told = true
      }
    })
    socket.once('error', reject)
    socket.once('close', (code) => {
      if (outcome) reject(outcome)
      // Without a word on how it ended, only an orderly close counts as success.
      else if (told || code === 1000) resolve()
      else reject(new CommandFailed(1))
    })
  })
}

/** A slow reader holds the socket back. */
function write(socket: WebSocket, to: Writable, data: Buffer): void {
  if (data.length === 0 || to.write(data)) return
  socket.pause()
  to.once('drain', () => socket.resume())
}
