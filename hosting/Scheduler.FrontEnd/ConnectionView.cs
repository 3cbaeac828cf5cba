namespace Scheduler.FrontEnd;

/// <summary>What can be seen of a connection.</summary>
/// <param name="Id">Its number: no other connection of this server has it.</param>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Disk">Name of the disk.</param>
/// <param name="Guest">Name of the guest that owns the disk.</param>
/// <param name="Peer">Who is at the other end, for people.</param>
/// <param name="Tls">Whether it uses TLS.</param>
/// <param name="Credits">Requests that may be unanswered at once; 0 until its ring is attached.</param>
/// <param name="InFlight">Requests that are taken and whose answers have not been sent.</param>
public sealed record ConnectionView(long Id, string Volume, string Disk, string Guest, string Peer, bool Tls, int Credits, int InFlight);
