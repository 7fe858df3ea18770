/** Starts the leader's page. */
import { words } from '../../i18n/leader'
import { mount } from '../../use/mount'
import { keepShellOnceLoaded } from '../../use/offline-shell'
import Leader from './Leader.vue'

mount(Leader, words)
keepShellOnceLoaded()
