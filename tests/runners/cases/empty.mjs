// Has no test.
