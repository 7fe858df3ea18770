"""Payment providers behind the port `commerce.money.payments.Payments`."""
