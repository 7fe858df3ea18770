/** Campaigns: coupons with a budget. */
import type { Section } from '../sections'
import Campaigns from './Campaigns.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Campaigns, words: { zh, en } } satisfies Section
