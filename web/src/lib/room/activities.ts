/** What a room does together beside buying: how its events change the state, and the rules of what is shown. */
import type { ChannelEvent, Poll, RoomState } from '../base/wire'

/** The result of a poll is shown for this long after its end. */
const RESULT_SHOWN_MS = 60_000

/** What an event replaces as a whole is called as the event is. */
const replaced = (state: RoomState, event: ChannelEvent): RoomState => ({
  ...state,
  [event.k]: event[event.k as never],
})

/** One reducer per kind of event; other kinds change nothing. */
const REDUCERS: Partial<Record<string, (state: RoomState, event: never) => RoomState>> = {
  poll: replaced,
  questions: replaced,
  draw: replaced,
  flash: replaced,
  next_room: replaced,
  notice: (state, event: Extract<ChannelEvent, { k: 'notice' }>) => ({ ...state, notice: event.text }),
  coupons: (state, event: Extract<ChannelEvent, { k: 'coupons' }>) => ({ ...state, coupons: event.release }),
  upcoming: (state, event: Extract<ChannelEvent, { k: 'upcoming' }>) => ({ ...state, upcoming: event.lives }),
  chat_rules: (state, { chat_rules }: Extract<ChannelEvent, { k: 'chat_rules' }>) => ({
    ...state,
    chat_rules,
    chat: state.chat.filter(
      ({ id, from, at_ms }) =>
        !chat_rules.removed_lines.includes(id) &&
        !chat_rules.removed_senders.some((gone) => gone.id === from.id && at_ms <= gone.until_ms),
    ),
  }),
  shelf: (state, event: Extract<ChannelEvent, { k: 'shelf' }>) => ({ ...state, shelf: event.shelf }),
}

export function reduceActivity(state: RoomState, event: ChannelEvent): RoomState {
  return REDUCERS[event.k]?.(state, event as never) ?? state
}

/** Whether a poll takes votes, only shows its result, or is gone. */
export function pollPhase(poll: Poll | null, atMs: number): 'open' | 'closed' | null {
  if (!poll || atMs >= poll.closes_at_ms + RESULT_SHOWN_MS) return null
  return atMs < poll.closes_at_ms ? 'open' : 'closed'
}

/** Percent of each option, whole numbers that add up to 100 (largest remainder), or zeros without a vote. */
export function shares(votes: readonly number[]): number[] {
  const sum = votes.reduce((total, n) => total + n, 0)
  if (sum === 0) return votes.map(() => 0)
  const exact = votes.map((n) => (n * 100) / sum)
  const whole = exact.map(Math.floor)
  const missing = 100 - whole.reduce((total, n) => total + n, 0)
  const byRemainder = exact
    .map((value, at) => ({ at, rest: value - Math.floor(value) }))
    .sort((one, other) => other.rest - one.rest || one.at - other.at)
  for (const { at } of byRemainder.slice(0, missing)) whole[at] = whole[at]! + 1
  return whole
}
