"""Operations: embedded services, logs, metrics, maintenance."""
