"""What is promised under fault, shown with real kernels and kill -9; ``make faults`` runs it all."""
