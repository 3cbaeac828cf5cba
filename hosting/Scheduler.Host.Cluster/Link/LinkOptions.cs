using Scheduler.Actors;
using Scheduler.Storage.Loop;

namespace Scheduler.Host.Cluster.Link;

/// <summary>Times of a link.</summary>
internal sealed record LinkOptions
{
    /// <summary>How often a node that has nothing else to send says that it is there.</summary>
    public TimeSpan PingEvery { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>How long nothing may be heard of the other node, or of a connection that is being made; it is noticed up to one
    /// <see cref="PingEvery"/> later.</summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a ticket is good for that no ring has used.</summary>
    public TimeSpan TicketLife { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Where a node's links run: connections, and the actors beside them, on one loop.</summary>
/// <param name="Node">Name of this node.</param>
/// <param name="Loop">The loop. Rings that run there too reach the connection without crossing threads.</param>
/// <param name="System">Runs the actors.</param>
internal sealed record LinkPlace(string Node, EventLoop Loop, IActorSystem System);

/// <summary>What the owner of a volume gives a ring of another node: it may speak on a connection. To be sent over Akka.NET.</summary>
/// <param name="Id">Names the ring on the wire; can't be guessed.</param>
/// <param name="Epoch">Incarnation of the volume's scheduler.</param>
/// <param name="Credits">Request slots granted, not more than asked for.</param>
/// <param name="Guest">Name of the guest that owns the disk.</param>
/// <param name="BufferBytes">Bytes that the owner has for the guest's data from that node.</param>
/// <param name="Clearings">How often the volume's faults were cleared until now.</param>
internal sealed record LinkTicket(ulong Id, long Epoch, int Credits, string Guest, long BufferBytes, long Clearings = 0);

/// <summary>A ring of another node was not taken.</summary>
/// <param name="message">Why, for the log.</param>
/// <param name="again">Whether it may be asked again: see <see cref="AttachRefused.Again"/>.</param>
internal sealed class LinkRefusedException(string message, bool again) : Exception(message)
{
    /// <summary>Whether it may be asked again.</summary>
    public bool Again { get; } = again;
}

/// <summary>The other node has broken the rules of the link; the connection can't go on.</summary>
/// <param name="message">Which, and what was seen.</param>
internal sealed class LinkViolationException(string message) : Exception(message);
