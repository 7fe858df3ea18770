"""A payment provider on this machine that answers as WeChat Pay, Alipay and Stripe do."""
