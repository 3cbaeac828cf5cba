namespace Scheduler.Host.Configuration;

/// <summary>Finds what comes with the program: below the working directory, then beside the program.</summary>
internal static class ShippedFiles
{
    /// <summary>Finds a file or directory.</summary>
    /// <param name="name">E.g. <c>hocon/single.conf</c>.</param>
    /// <returns>Its path, or the name as it was given if it is in neither place.</returns>
    public static string Find(string name)
    {
        string beside = Path.Combine(AppContext.BaseDirectory, name);
        return !Path.Exists(name) && Path.Exists(beside) ? beside : name;
    }
}
