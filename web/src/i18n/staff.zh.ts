/** The words of the pages that staff log in to, in Chinese. */
export const zh = {
  login: {
    username: '用户名',
    password: '密码',
    submit: '登录',
    busy: '登录中…',
    problem_bad: '用户名或密码不对，请重新输入。',
    code: '验证码',
    code_hint: '验证器 App 里的 6 位数字；手机丢了就输入一个恢复码。',
    problem_wrong_code: '验证码不对或已用过，请输入现在显示的数字。',
    problem_rate_limited: '试的次数太多了，请过一会儿再试。',
    problem_unreachable: '连不上服务器，请检查网络后再试。',
    expired: '登录已过期，请重新登录。',
  },
}
