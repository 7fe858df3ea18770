/** The words about phone number and flat, which the pages of rooms load when an order asks for them. */
import type { PageWords } from './index'
import { en } from './household.en'
import { zh } from './household.zh'

export const words = { zh, en } satisfies PageWords
