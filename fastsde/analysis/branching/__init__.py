"""What a trained state decides: variance within and between states of a branched ensemble."""
