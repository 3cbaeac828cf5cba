namespace Scheduler.Xen.Store;

/// <summary>xenstore can't be reached, breaks its protocol, or refuses what is not to be refused.</summary>
/// <param name="message">What happened.</param>
internal sealed class StoreException(string message) : IOException(message);
