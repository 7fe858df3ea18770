/** Starts the replay's page. */
import { words } from '../../i18n/replay'
import { mount } from '../../use/mount'
import Replay from './Replay.vue'

mount(Replay, words)
