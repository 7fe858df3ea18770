/** The words of the page of a one-time link, in Chinese. */
export const zh = {
  invite: {
    title_invitation: '欢迎加入{brand}',
    title_reset: '设置新密码',
    title_over: '这个链接不能用了',
    over: '它已经用过，或者过期了。请让总部再发一个新链接。',
    who: '{name}，您的用户名是 {username}，以后用它登录。',
    password: '密码',
    again: '再输一遍',
    hint: '至少 10 个字符；不要用用户名、生日、手机号或常见密码。',
    submit: '保存密码',
    busy: '正在保存…',
    problem_differ: '两次输入的密码不一样。',
    problem_weak: '这个密码太容易被猜到，请换一个长一点的。',
    problem_rate_limited: '尝试太频繁，请稍后再试。',
    problem_unreachable: '连不上服务器，请检查网络后重试。',
    done: '密码已保存',
    done_hint: '其他设备上的登录都已退出，请用新密码登录。',
    open_hq: '去总部页面',
    open_host: '去开播',
    open_store: '去门店工作台',
  },
}
