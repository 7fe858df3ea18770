/** The one storage of a page; nothing else touches the browser's. */
import { Memory } from '../lib/base/storage'

export const storage = new Memory(() => localStorage)
