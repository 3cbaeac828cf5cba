namespace Scheduler.Actors;

/// <summary>
/// A guest's buffers of one ring. They are given back only when the ring is gone and the device has let go of them,
/// whichever of ring, front end and volume ends first (S3). Held by the front end that made it, by the ring, by the volume
/// that the ring is attached to, and by each operation on the device.
/// </summary>
/// <remarks>Thread-safe.</remarks>
public abstract class RingMemory
{
    private int _holds = 1;

    /// <summary>Holds the memory once more, unless it was given back already.</summary>
    /// <returns>False if it was given back.</returns>
    public bool TryHold()
    {
        int holds = Volatile.Read(ref _holds);
        while (holds > 0)
        {
            int seen = Interlocked.CompareExchange(ref _holds, holds + 1, holds);
            if (seen == holds)
                return true;
            holds = seen;
        }

        return false;
    }

    /// <summary>Holds the memory once more; somebody else holds it for sure.</summary>
    public void Hold()
    {
        if (!TryHold())
            throw new RingProtocolException("rule S3 is broken: a ring's memory is used after it was given back");
    }

    /// <summary>Lets go once; the last one gives the memory back.</summary>
    public void LetGo()
    {
        int holds = Interlocked.Decrement(ref _holds);
        if (holds == 0)
            GiveBack();
        else if (holds < 0)
            throw new RingProtocolException("rule S3 is broken: a ring's memory is given back twice");
    }

    /// <summary>Gives the memory back: called once, from any thread.</summary>
    protected abstract void GiveBack();
}

/// <summary>A front end, a ring or a volume broke the protocol between them: a defect.</summary>
/// <param name="message">Which rule, and what was seen.</param>
public sealed class RingProtocolException(string message) : Exception(message);
