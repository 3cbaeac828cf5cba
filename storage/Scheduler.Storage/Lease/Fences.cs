namespace Scheduler.Storage.Lease;

/// <summary>The fences that a configuration can name.</summary>
public static class Fences
{
    /// <summary>Makes the fence of a name.</summary>
    /// <param name="name"><c>command</c> or <c>none</c>; <c>scsi-pr</c> and <c>nvme</c> are names for what is not there yet.</param>
    /// <param name="command">The program of <c>command</c> and its first arguments; empty for <c>none</c>.</param>
    /// <param name="timeMax">How long that program may take.</param>
    /// <param name="insecure">Whether it was said that old owners may go on writing; <c>none</c> needs it, and nothing else has it.</param>
    /// <returns>The fence.</returns>
    /// <exception cref="ArgumentException">They do not go together; the message names the key, its value and the remedy.</exception>
    public static IFence Open(string name, IReadOnlyList<string> command, TimeSpan timeMax, bool insecure)
    {
        ArgumentNullException.ThrowIfNull(command);
        return (name, HasCommand: command.Count > 0, insecure) switch
        {
            ("command", true, false) => new FenceCommand(command, timeMax),
            ("command", false, _) => throw new ArgumentException("fence = command: no command is given; name a program that ends an old owner and waits for its I/O"),
            ("none", false, true) => new NoFence(),
            ("none", _, false) => throw new ArgumentException(
                "fence = none: what an old owner has in flight may be written after the new owner's first request, and damage data; name a command, or say insecure = true"),
            ("scsi-pr" or "nvme", _, _) => throw new ArgumentException(
                $"fence = {name}: reservations are not supported yet; write fence = command, with a program that makes them or ends the old owner"),
            ("command", _, true) => throw new ArgumentException("insecure = true goes with fence = none only; take it away"),
            ("none", true, _) => throw new ArgumentException("fence = none: it has no command; take that away, or write fence = command"),
            _ => throw new ArgumentException($"fence = {name}: it is command or none"),
        };
    }
}
