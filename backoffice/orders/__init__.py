"""Orders from the student's side: creating, uploading pictures, extra prints, and how they read."""
