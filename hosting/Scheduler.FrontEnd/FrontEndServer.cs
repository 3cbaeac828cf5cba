namespace Scheduler.FrontEnd;

/// <summary>Where guests connect to; what each kind of front end tells of its connections, and does with them.</summary>
public abstract class FrontEndServer : IDisposable
{
    private protected FrontEndServer()
    {
    }

    /// <summary>Connections, those included that have not chosen their disk yet.</summary>
    public virtual int ConnectionCount
    {
        get
        {
            lock (Gate)
                return OpenConnections.Count;
        }
    }

    /// <summary>The connections that have chosen their disk, in the order in which they came, as of now.</summary>
    public IReadOnlyList<ConnectionView> Connections
    {
        get
        {
            lock (Gate)
                return [.. OpenConnections.Select(connection => connection.View).OrderBy(view => view.Id)];
        }
    }

    /// <summary>Whether a disk has connections. When it is not offered any more and has none, it gets none.</summary>
    /// <param name="disk">Name of the disk.</param>
    /// <returns>Whether it has.</returns>
    public bool HasConnections(string disk)
    {
        lock (Gate)
            return OpenConnections.Any(connection => connection.View.Disk == disk);
    }

    /// <summary>Closes connections soon, answered or not.</summary>
    /// <param name="which">Which of them.</param>
    /// <param name="reason">For the log, and for guests that are told.</param>
    /// <returns>How many there were.</returns>
    public int Close(Func<ConnectionView, bool> which, string reason)
    {
        IOpenConnection[] connections;
        lock (Gate)
            connections = [.. OpenConnections.Where(connection => which(connection.View))];
        foreach (IOpenConnection connection in connections)
            connection.Loop.Post(() => connection.Abort(reason));
        return connections.Length;
    }

    /// <summary>Begins to serve.</summary>
    /// <exception cref="IOException">A socket can't be bound; the message names it.</exception>
    public abstract void Start();

    /// <summary>Lets all users of this machine connect, or, as at first, only those that the process' umask lets. Where
    /// users do not matter, nothing changes.</summary>
    /// <param name="all">Whether all.</param>
    public virtual void LetUsersIn(bool all)
    {
    }

    /// <summary>Disks may have other sizes than before: guests are told, where the protocol can say so.</summary>
    public virtual void DisksChanged()
    {
    }

    /// <summary>Takes no more connections. Those that have chosen their disk go on, or, if they can do so with the next process, end
    /// when all that they have taken is answered.</summary>
    public abstract void StopAccepting();

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Guards <see cref="OpenConnections"/>. Whoever takes a disk away, and then sees no connection to it, gets none afterwards, since
    /// disks are looked up under it.</summary>
    private protected Lock Gate { get; } = new();

    /// <summary>The connections that have chosen their disk.</summary>
    private protected HashSet<IOpenConnection> OpenConnections { get; } = [];
}
