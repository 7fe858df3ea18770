/** The words of what a room does together, in English. */
import type { zh } from './words.zh'

export const en: typeof zh = {
  poll: {
    label: 'Poll',
    open: '{time} left',
    closed: 'Over: {n} vote | Over: {n} votes',
    votes: '{n} vote | {n} votes',
    yours: 'Your household’s vote',
    failed: 'The vote was not sent. Please try again.',
    other_estate: 'This room is for other estates.',
  },
  questions: {
    open: 'Ask the host',
    open_count: 'Ask the host, {n} questions',
    title: 'What neighbours ask',
    placeholder: 'What would you like to know?',
    ask: 'Ask',
    empty: 'Nobody has asked yet. Be the first.',
    want: 'Me too',
    wanted: 'You, too',
    count: '{n} wants to know | {n} want to know',
    answered: 'Answered',
    asked: 'Asked. The same question of others counts for it.',
    not_live: 'Questions open with the live.',
    too_many: 'Three questions of your household wait for an answer.',
    failed: 'It was not sent. Please try again.',
  },
  strip: {
    flash: 'Flash',
    poll: 'Poll',
    bag: 'Lucky bag',
    coupon: 'Coupon',
    starts_in: '{price} in {time}',
    price_left: '{price} {time}',
    sold_out: 'all gone',
    over: 'over',
    drawing: 'drawing…',
    revealed: 'drawn',
    void: 'void',
  },
  purchase: {
    neighbour: 'A neighbour',
    group: '{name} just joined a group',
    order: '{name} just ordered',
    others: '{n} more',
  },
  notice_board: {
    label: 'Notice',
  },
}
