/** The words that the room's and the host's page share, in English. */
import type { zh } from './live.zh'

export const en: typeof zh = {
  chat: {
    label: 'Chat',
    placeholder: 'Say something…',
    send: 'Send',
    joined: '{name} came in',
    offline: 'Cannot send right now. Try again when you are back online.',
    too_fast: 'That was too fast. Wait a moment.',
    refused: 'This message was not sent.',
    empty: 'Nobody has said anything yet. Say hello!',
    like: 'Like, {n} so far',
  },
  role: {
    host: 'Host',
    moderator: 'Mod',
    store: 'Shop',
  },
  group: {
    open: '{joined} neighbour joined, {left} to go! | {joined} neighbours joined, {left} to go!',
    reached: 'Group complete! {joined} neighbour joined | Group complete! {joined} neighbours joined',
    expired: 'This group was not complete in time; everybody who joined is refunded.',
    closed: 'This group buy has ended',
    ends_in: 'Ends in',
    progress: '{joined} of {target} joined',
  },
  price: {
    was: 'Was {price}',
    member: '{price} for members',
    sold_out: 'Sold out',
  },
}
