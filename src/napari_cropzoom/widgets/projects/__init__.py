"""The dock *Projects*: every video of a project, how far it is, and a way into its review."""
