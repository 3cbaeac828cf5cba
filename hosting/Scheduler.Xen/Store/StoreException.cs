namespace Scheduler.Xen.Store;

/// <summary>xenstore can't be reached, or breaks its protocol: the connection is of no use any more.</summary>
/// <param name="message">What happened.</param>
internal sealed class StoreException(string message) : IOException(message);

/// <summary>xenstore answers that it does not do what is asked for; the connection goes on.</summary>
/// <param name="message">What it does not do, and why.</param>
internal sealed class StoreRefusedException(string message) : IOException(message);
