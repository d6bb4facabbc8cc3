COLUMNS = ["wool"]
