"""What staff do to help a customer into the account: see and end logins, send mails."""
