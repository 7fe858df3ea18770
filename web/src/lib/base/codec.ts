/** The two codecs of the room protocol. */
import { decode, encode } from '@msgpack/msgpack'
import type { ClientMessage, ServerMessage } from './wire'

/** Decode one frame; null when it is not a message of this protocol (such frames are ignored). */
export function decodeMessage(data: string | ArrayBuffer | Uint8Array): ServerMessage | null {
  let value: unknown
  try {
    value = typeof data === 'string' ? JSON.parse(data) : decode(data)
  } catch {
    return null
  }
  const known =
    typeof value === 'object' && value !== null && typeof (value as { t?: unknown }).t === 'string'
  return known ? (value as ServerMessage) : null
}

/** Encode for the subprotocol the server chose. */
export function encodeMessage(message: ClientMessage, subprotocol: string): string | Uint8Array<ArrayBuffer> {
  return subprotocol === 'linli.v1.json' ? JSON.stringify(message) : new Uint8Array(encode(message))
}
