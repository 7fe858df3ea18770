/** Starts the page of a one-time link. */
import { words } from '../../i18n/invite'
import { mount } from '../../use/mount'
import Invite from './Invite.vue'

mount(Invite, words)
