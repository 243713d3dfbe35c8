"""The other views of a recording: small pictures beside the crop preview, and the way to each."""
