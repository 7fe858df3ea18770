/** The words of co-hosts, loaded with the parts that use them. */
import { en } from './words.en'
import { zh } from './words.zh'

export const words = { zh, en }
