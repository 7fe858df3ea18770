/** Starts the host's page. */
import { words } from '../../i18n/host'
import { mount } from '../../use/mount'
import Host from './Host.vue'

mount(Host, words)
